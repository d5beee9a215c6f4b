"""How a poster looks: colours, fonts, logos, and the arrangement of the page.

| file | subject |
|---|---|
| theme.py | `Theme`, `Logo`: what a theme says |
"""
