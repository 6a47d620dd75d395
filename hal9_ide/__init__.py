"""Hal9 IDE: write a Python chatbot in the browser, talk to it, give people a link."""
