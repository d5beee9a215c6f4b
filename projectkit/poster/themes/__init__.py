"""How a poster looks: colours, fonts, logos, and the arrangement of the page.

| file | subject |
|---|---|
| theme.py | `Theme`, `Logo`: what a theme says |
| ours.py | the themes that come with projectkit: classic, billboard, contrast, quiet |
| reading.py | `read_theme`, `read_logos`: of `theme` and `logos` in poster.yaml; a course's theme is a folder |
| contrast.py | `weak_contrasts`: whether a theme's colours can be told apart |
"""
