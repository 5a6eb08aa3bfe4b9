"""From vectors to answers: the task heads, their losses, their scores on dev."""
