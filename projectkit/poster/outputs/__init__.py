"""What a build gives beside the archival PDF.

| file | subject |
|---|---|
| page/ | the poster as a page that reads well on a phone |
"""
