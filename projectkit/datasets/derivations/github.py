"""Archives of repositories on GitHub."""

from __future__ import annotations

from projectkit.datasets.card import Upstream


def archive_of(repository: str, commit: str, *, limit: int) -> Upstream:
    """The archive that GitHub makes of a commit; its bytes differ from time to time, its files do not.

    Args:
        repository: `owner/name`.
        commit: 40 hexadecimal digits.
        limit: bytes of all files together.
    """
    urls = (
        f"https://codeload.github.com/{repository}/tar.gz/{commit}",
        f"https://github.com/{repository}/archive/{commit}.tar.gz",
    )
    return Upstream(repository, urls, limit=limit)
