"""How a poster looks: colours, fonts, logos, and the arrangement of the page. `theme.py` says what a theme is."""
