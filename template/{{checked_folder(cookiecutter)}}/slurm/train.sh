#!/bin/bash
# A training run as a batch job:  sbatch slurm/train.sh [CONFIG] [key=value ...]
# Five seeds, a job for each:     sbatch --array=0-4 slurm/train.sh
#
# A job that is stopped, by its time limit, for a more urgent one or because its node failed, is queued again and goes on with its own
# run from the last checkpoint. Jobs of one config never share a run.

#SBATCH --job-name={{ cookiecutter.project_slug }}
#SBATCH --time=04:00:00
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=4
#SBATCH --mem=16G
#SBATCH --gres=gpu:1
#SBATCH --output=slurm/%x-%j.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=TERM@180
# your cluster may also want: --partition=..., --account=...

set -uo pipefail
cd "$SLURM_SUBMIT_DIR" || exit 2

if [ -f .venv/bin/activate ]; then
  source .venv/bin/activate
fi
export PYTHONUNBUFFERED=1 # the log shows each line at once
# Runs belong on a disk that every node sees. Where the home is small, take the scratch disk, and let each checkpoint be copied home:
# export PROJECTKIT_RUNS="/scratch/$USER/{{ cookiecutter.project_slug }}/runs" PROJECTKIT_BACKUP="$HOME/{{ cookiecutter.project_slug }}-backup"

config="${1:-configs/train.yaml}"
shift || true
if [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then
  set -- "$@" "seed=$SLURM_ARRAY_TASK_ID"
fi

# --signal=TERM@180 reaches the step below, not this script, three minutes before the limit: projectkit writes a checkpoint and ends with
# status 143. For a more urgent job, and by scancel, this script is ended as well, and Slurm itself knows whether to queue it again.
srun --kill-on-bad-exit=1 projectkit train "$config" "$@" --resume auto
status=$?

# 50: a limit that is too short for a single step would otherwise go round for ever
if [ "$status" -eq 143 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 50 ]; then
  echo "stopped before the end: queued again"
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
