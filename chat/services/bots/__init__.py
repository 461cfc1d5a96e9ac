"""Bots: what answers visitors before a person does.

`setup` makes and changes them, `turns` takes a visitor's message and decides, `assistant` asks a language model,
`programs` speaks with a program of the customer's own, `words` knows what is said and what is meant.
"""
