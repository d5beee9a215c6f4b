"""Names that a project cannot take, because something that it needs is found under them, and names proposed in their place."""

from __future__ import annotations

import keyword
import re
import sys

DISTRIBUTION = "dl-projectkit"
SLUG_LENGTH, PACKAGE_LENGTH = 60, 40

# import names that a team's code, its tests or its notebooks reach for: a package of that name would be found first;
# as text, because a literal would be a hundred lines
_FIELD_MODULES = frozenset(
    """
    absl accelerate anyio arrow attr av bs4 captum catboost certifi click cookiecutter cv2 datasets dask deepspeed detectron2
    diffusers einops evaluate fairscale fastapi faiss flask flax fsspec functorch gensim git gradio gym gymnasium h5py hatchling
    huggingface_hub hydra idna imageio ipykernel ipython ipywidgets jax jinja2 joblib jupyter keras kornia librosa lightgbm lightning
    lightning_fabric lightning_utilities litgpt markdown markdown_it matplotlib mdit_py_plugins mlflow monai mpl_toolkits mypy
    nbformat networkx nltk notebook numba numpy nvidia omegaconf onnx onnxruntime optuna packaging pandas peft pil pip
    pkg_resources platformdirs plotly pluggy polars projectkit psutil pyarrow pydantic pylab pytest pytorch_lightning ray regex
    requests rich ruamel ruff safetensors scapy scipy seaborn sentencepiece setuptools shap six skimage sklearn slugify spacy
    statsmodels streamlit submitit sympy tensorboard tensorflow timm tokenizers tomli torch torch_geometric torchaudio torchdata
    torchgen torchmetrics torchtext torchvision tqdm transformers triton typer typing_extensions typst tyro urllib3 virtualenv
    wandb wheel xgboost yaml zmq
    """.split()  # noqa: SIM905
)
# folders of the generated repository, and names that pytest or Python treat in a way of their own
_TAKEN = frozenset(
    {"src", "tests", "test", "conftest", "setup", "configs", "docs", "poster", "results", "runs", "ledger", "vendor"}
)
# distributions whose name is not that of their import
_FIELD_DISTRIBUTIONS = frozenset(
    {
        DISTRIBUTION,
        "pillow",
        "scikit-learn",
        "scikit-image",
        "opencv-python",
        "pyyaml",
        "ipython",
        "markdown-it-py",
        "beautifulsoup4",
    }
)
_WINDOWS_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
)
_STANDARD_MODULES = frozenset(name.lower() for name in sys.stdlib_module_names)


def default_slug(text: str) -> str:
    """A slug that the rules accept, from a slugified title; `project` where nothing is left of it."""
    slug = "-".join(re.findall(r"[a-z0-9]+", text.lower()))[:SLUG_LENGTH].strip("-") or "project"
    slug = slug if slug[0].isalpha() else f"project-{slug}"[:SLUG_LENGTH].strip("-")
    return f"{slug[: SLUG_LENGTH - 8].strip('-')}-project" if slug_shadows(slug) else slug


def default_package(slug: str) -> str:
    """An import name that the rules accept, from a slug."""
    name = "_".join(re.findall(r"[a-z0-9]+", slug.lower()))[:PACKAGE_LENGTH].strip("_") or "project"
    name = name if name[0].isalpha() else f"project_{name}"[:PACKAGE_LENGTH].strip("_")
    return f"{name[: PACKAGE_LENGTH - 8].strip('_')}_project" if package_shadows(name) else name


def slug_shadows(slug: str) -> str:
    """What the slug would stand in the way of, as a clause; empty where nothing."""
    if slug in _WINDOWS_DEVICES:
        return "a device on Windows"
    if normalised(slug) in _FIELD_DISTRIBUTIONS or slug.replace("-", "_") in _FIELD_MODULES:
        return "the name of a distribution that projects install"
    return ""


def package_shadows(name: str) -> str:
    """What a package of this name would hide, as a clause; empty where nothing."""
    if keyword.iskeyword(name):
        return "a keyword of Python"
    if name in _WINDOWS_DEVICES:
        return "a device on Windows"
    if name in _STANDARD_MODULES:
        return "a standard module of Python, which it would hide"
    if name in _FIELD_MODULES:
        return "a package of the field, which it would hide"
    if name in _TAKEN:
        return "taken by a folder or file of every project"
    return ""


def normalised(name: str) -> str:
    """A distribution's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
