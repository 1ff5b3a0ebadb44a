"""A Slurm of one node that lives as long as a test: root, loopback, no systemd, munge, cgroups or database.

A batch script must start its program with srun, or the signals of Slurm do not reach it; after a requeue a job waits
for cred_expire and a second (121 s unless set, 6 at the least; begun earlier it fails); sacct would need a database, so
what a job went through is read from scontrol and from the job's own output."""

import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import time

PLACES = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
PROGRAMS = ("slurmctld", "slurmd", "slurmstepd", "sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")
SECONDS = 30  # until the node is idle; 2 on a quiet machine
CPUS = 2

CONFIG = """ClusterName=lehr
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
AuthInfo=cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=1
SlurmctldParameters={parameters}
SlurmdParameters=config_overrides
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=5
MinJobAge=3600
ReturnToService=2
{more}
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=8000 State=UNKNOWN
PartitionName=low Nodes=ALL Default=YES PriorityTier=1 PreemptMode=REQUEUE GraceTime=20
PartitionName=high Nodes=ALL PriorityTier=10 PreemptMode=OFF
"""


def missing():
    """Why there can be no Slurm here; None when there can."""
    if os.geteuid() != 0:
        return "a Slurm of one node needs root"
    for program in PROGRAMS:
        if shutil.which(program, path=PLACES) is None:
            return "no %s: Debian has slurmctld, slurmd and slurm-client" % program
    return None


def free_ports(count):
    """Ports that nobody listens to; they are held together, so that no two are the same."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def end_with_parent():
    """Of a child: even a test that is killed leaves no daemon."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class OneNode:
    def __init__(self, folder):
        self.folder = folder
        self.daemons, self.begun = [], []
        self.host = socket.gethostname().split(".")[0]
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM", "SBATCH"))}
        self.env.update(PATH=PLACES, SLURM_CONF=os.path.join(folder, "slurm.conf"))
        self.env["OMPI_MCA_mpi_yield_when_idle"] = "1"  # others may want the cores

    def start(self):
        """Another process may take a port between our look and the daemon's: then other ports are tried."""
        for _ in range(3):
            self.ports = free_ports(2)
            if self.try_start():
                return
            self.end_daemons()
        raise RuntimeError("no Slurm: " + self.read("slurmctld.log")[-2000:] + self.read("slurmd.log")[-2000:])

    def try_start(self):
        for name in ("state", "spool"):
            shutil.rmtree(os.path.join(self.folder, name), ignore_errors=True)
            os.makedirs(os.path.join(self.folder, name))
        self.configure()
        for name in ("slurmctld", "slurmd"):
            with open(os.path.join(self.folder, name + ".out"), "wb") as out:
                self.daemons.append(
                    subprocess.Popen(
                        [shutil.which(name, path=PLACES), "-D", "-f", self.env["SLURM_CONF"]],
                        stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=self.env, cwd=self.folder,
                        preexec_fn=end_with_parent,
                    )
                )
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and all(daemon.poll() is None for daemon in self.daemons):
            if "idle" in self.ask("sinfo", "-h", "-o", "%T", fine=False):
                return True
            time.sleep(0.1)
        return False

    def configure(self, **habits):
        """RequeueExit: the exit code after which the cluster itself requeues a job, unless None; user_signal: does
        preemption send --signal, or TERM?"""
        requeue, user_signal = habits.get("requeue_exit"), habits.get("user_signal")
        text = CONFIG.format(
            host=self.host, ports=self.ports, folder=self.folder, cpus=CPUS,
            more="" if requeue is None else "RequeueExit=%d" % requeue,
            parameters="preempt_send_user_signal" if user_signal else "power_save_interval=10",
        )
        with open(self.env["SLURM_CONF"], "w", encoding="utf-8") as file:
            file.write(text)

    def become(self, **habits):
        """Another cluster, with the same jobs."""
        self.configure(**habits)
        self.ask("scontrol", "reconfigure")
        shown = dict(re.findall(r"^(\w+) += (.*)$", self.ask("scontrol", "show", "config"), re.M))
        assert shown["RequeueExit"] == str(habits.get("requeue_exit") or "(null)"), shown["RequeueExit"]
        assert ("user_signal" in shown["SlurmctldParameters"]) == bool(habits.get("user_signal")), shown

    def stop(self):
        """Jobs first: what they started must not outlive the daemons that would end it."""
        for one in self.begun:
            one.kill()
            one.wait()
        if self.daemons:
            self.ask("scancel", "--full", "--signal=KILL", "--user=root", fine=False)
            self.ask("scancel", "--user=root", fine=False)
            deadline = time.monotonic() + SECONDS
            while self.ask("squeue", "-h", fine=False).strip() and time.monotonic() < deadline:
                time.sleep(0.1)
        self.end_daemons()

    def end_daemons(self):
        for daemon in reversed(self.daemons):
            daemon.send_signal(signal.SIGTERM)
        for daemon in reversed(self.daemons):
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        self.daemons = []

    # ---- Asking ---------------------------------------------------------------------------------

    def read(self, name):
        try:
            with open(os.path.join(self.folder, name), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def ask(self, *words, fine=True, cwd=None):
        done = subprocess.run(
            words, env=self.env, cwd=cwd or self.folder, capture_output=True, text=True, timeout=60, check=False
        )
        if fine and done.returncode:
            raise RuntimeError(" ".join(words) + ": " + done.stdout + done.stderr)
        return done.stdout

    def begin(self, *words):
        """Not waited for: scancel tries again and again to signal a job that has left in between."""
        self.begun.append(
            subprocess.Popen(
                words, env=self.env, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )

    def submit(self, *words, cwd):
        return self.ask("sbatch", "--parsable", *words, cwd=cwd).strip()

    def jobs(self, number):
        """{task or None: {"JobState": ..., "Restarts": ..., ...}} of a job or an array."""
        found = {}
        for line in self.ask("scontrol", "-o", "show", "job", number).splitlines():
            fields = dict(re.findall(r"(\w+)=(\S*)", line))
            if "JobId" not in fields:
                continue
            task = fields.get("ArrayTaskId")
            for one in [None] if task is None else tasks_of(task):
                found[one] = fields
        return found


def tasks_of(text):
    """Numbers of "3", "2-7", "0,4-6%2": tasks that have not started share a record."""
    numbers = []
    for part in text.split("%")[0].split(","):
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return numbers
