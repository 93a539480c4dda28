"""Golden cases 19 to 24, and factor.people_decision by hand: what people decided, and what of it is in force."""
