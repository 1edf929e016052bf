"""Rules: from the facts about hosts to findings; each is a pure function."""
