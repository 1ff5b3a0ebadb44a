#!/bin/bash
# sweep_iris, by `lehr slurm-script`: the 24 trials of configs/sweep_iris.yaml, shared by 8 tasks of an array. Submit it with
#
#     sbatch THIS_FILE
#
# Options of that line outrank those below: --partition, --account, --time, --mem-per-cpu, --gres.
# What a limit of time, preemption or a dead node stops is requeued and goes on.
# So is a task that waits for what others have yet to reach. When all have ended: `lehr collect`.

#SBATCH --job-name=sweep_iris
#SBATCH --chdir=/home/you/lehr
#SBATCH --array=0-7%4
#SBATCH --output=%x-%A_%a.log
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=320M
#SBATCH --time=1:00:00
# To the program, not to this shell: it saves its work and leaves with 85.
#SBATCH --signal=USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append

lehr=/usr/local/bin/lehr
dir=runs/sweep_iris
: "${SLURM_JOB_ID:?this file is for sbatch}"

# Only what srun starts gets the signals of Slurm.
work() {
    srun --cpus-per-task="$SLURM_CPUS_PER_TASK" "$lehr" sweep configs/sweep_iris.yaml \
        -o "$dir" --shard auto --threads "$SLURM_CPUS_PER_TASK"
}

# Another answer as soon as anybody has written anything.
progress() {
    find "$dir" -mindepth 2 -type f ! -path '*/workers/*' -printf '%T@\n' | sort -n | tail -n 1
}

# Requeue this job, unless it is being canceled or was requeued already, and unless it came here 10 times
# in a row while nothing advanced.
again() {
    local job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID state mark visits="$dir/.visits-$SLURM_JOB_ID"
    state=$(squeue --noheader --jobs="$job" --format=%T)
    echo "not finished; the job is ${state:-unknown to squeue}"
    [ "$state" = RUNNING ] || exit 85
    mark=$(progress)
    [ "$mark" = "$(head -n 1 "$visits" 2>/dev/null)" ] || : >"$visits"
    echo "$mark" >>"$visits"
    if [ "$(wc -l <"$visits")" -gt 10 ]; then
        echo "nothing has advanced in 10 visits: this job gives up" >&2
        exit 1 # where 85 itself requeues a job, it must not
    fi
    scontrol requeue "$job" || echo "submit it again to go on" >&2
    exit 85
}

trap : TERM INT HUP USR1 USR2 XCPU # this shell outlives the program
work
code=$?
[ $code -ne 85 ] || again
rm -f "$dir/.visits-$SLURM_JOB_ID"
exit $code
