"""What shall be run: settings of data, method and training, the suite's file, and the plan of its rounds."""
