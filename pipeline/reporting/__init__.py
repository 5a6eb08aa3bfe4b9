"""From scores to pages a reviewer can read."""
