"""From a folder of features and a file of annotations to a store, checked and resumed."""
