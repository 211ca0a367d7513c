"""The command `wavbrivl`. Modules here import nothing heavy before a command runs, so `--help` is quick."""
