"""What DVC would run, and how long it takes: the only room that knows DVC."""
