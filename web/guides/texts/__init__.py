"""The texts to copy, by sender. Each says where it goes; the guides' templates say why and when."""
