"""What a build gives beside the archival PDF.

| file | subject |
|---|---|
| page/ | the poster as a page that reads well on a phone |
| previews.py | pictures: the preview, the hall's screen, the thumbnail |
| summary.py | `poster.json`: what the poster says, and of which runs |
"""
