"""What a run is made from: the schema, the YAML, `key=value`, and classes by their path.

The only room that knows YAML's details, OmegaConf, and how a class path becomes a class. It imports no torch: it is given
the classes that it accepts.

| file | holds |
|---|---|
| schema.py | every section and key, with type and default |
| reading.py, places.py | YAML 1.2 to plain values, and where each key was written |
| overrides.py, references.py, merging.py | `key=value`, `${key}`, and the three layers merged by OmegaConf |
| structure.py, values.py, ranges.py | are keys known, types right, values in range, sections consistent |
| classes.py, arguments.py | a class by its path, its arguments against its signature, its construction |
| writing.py | a config as a dictionary and as YAML |
"""

from projectkit.config.arguments import check_arguments as check_arguments
from projectkit.config.arguments import construct as construct
from projectkit.config.classes import import_class as import_class
from projectkit.config.merging import LoadedConfig as LoadedConfig
from projectkit.config.merging import load_config as load_config
from projectkit.config.places import Places as Places
from projectkit.config.ranges import check_ownership as check_ownership
from projectkit.config.reading import read_yaml as read_yaml
from projectkit.config.schema import CheckpointConfig as CheckpointConfig
from projectkit.config.schema import ClassConfig as ClassConfig
from projectkit.config.schema import Config as Config
from projectkit.config.schema import DataConfig as DataConfig
from projectkit.config.schema import EarlyStoppingConfig as EarlyStoppingConfig
from projectkit.config.schema import MonitorConfig as MonitorConfig
from projectkit.config.schema import SchedulerConfig as SchedulerConfig
from projectkit.config.schema import SpeedConfig as SpeedConfig
from projectkit.config.schema import TrackingConfig as TrackingConfig
from projectkit.config.schema import TrainerConfig as TrainerConfig
from projectkit.config.writing import config_to_dict as config_to_dict
from projectkit.config.writing import config_to_yaml as config_to_yaml
