"""What passes between the rooms."""
