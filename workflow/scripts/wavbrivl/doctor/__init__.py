"""What `wavbrivl doctor` looks at: the machine, dataset folders, model folders, BriVL checkpoints."""
