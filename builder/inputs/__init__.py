"""What the user gave, read and checked: settings, recipes, pins, and what git and this machine's network say."""
