"""Every published form of annotations, read into one."""
