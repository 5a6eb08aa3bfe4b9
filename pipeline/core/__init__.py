"""What every stage stands on: paths, files, corpora and tasks by name. An edit here reruns everything."""
