"""Pictures from sound: generators behind one interface, what they draw from, what they leave behind."""
