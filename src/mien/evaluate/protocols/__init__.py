"""What is compared with what: the pair lists and folders of the field, and anybody's own."""
