"""`StreamReader`, `StreamWriter`, `StreamReaderProtocol`, and the functions that make them."""
