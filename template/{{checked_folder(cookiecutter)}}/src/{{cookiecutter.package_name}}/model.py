{% include "model/" ~ cookiecutter.task ~ ".py" %}
