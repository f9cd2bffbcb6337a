"""What is kept of people: their pictures, names, facts and consent, and what is said about who is who."""
