"""What a build gives beside the archival PDF.

| file | subject |
|---|---|
| page/ | the poster as a page that reads well on a phone |
| previews.py | pictures: the preview, the thumbnail |
| screen.py | the hall's screen, laid out anew where its text can be read there |
| summary.py | `poster.json`: what the poster says, and of which runs |
"""
