"""A draft worker for Paceline's verifier, written from the protocol document."""
