{% include "test_model/" ~ cookiecutter.task ~ ".py" %}
