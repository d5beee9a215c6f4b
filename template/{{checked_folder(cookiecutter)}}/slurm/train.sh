#!/bin/bash
# A training run as a batch job:  sbatch slurm/train.sh [CONFIG] [key=value ...]
#
# A job that is stopped, by its time limit or for a more urgent one, is queued again and goes on from its last checkpoint: with
# the newest unfinished run of the same config. Two jobs at one time therefore need two configs: give them different seeds.

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

config="${1:-configs/train.yaml}"
shift || true

# --signal=TERM@180 reaches this step three minutes before the limit: projectkit writes a checkpoint and ends with status 143
srun --kill-on-bad-exit=1 projectkit train "$config" "$@" --resume auto
status=$?

if [ "$status" -eq 143 ]; then
  echo "stopped before the end: queued again"
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
