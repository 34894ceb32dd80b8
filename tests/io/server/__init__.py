"""Behaviour tests of stream connections over Unix sockets."""
