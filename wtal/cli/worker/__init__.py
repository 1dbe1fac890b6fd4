"""A server that forks a job from a process in which the slow libraries are loaded already, for jobs of one workflow."""
