"""What every stage stands on: paths, files, corpora, tasks. An edit here reruns everything."""
