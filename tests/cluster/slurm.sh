#!/usr/bin/env bash
# One Slurm node on this machine's loopback, from Debian's slurm-wlm and munge, as root and without systemd:
#   slurm.sh up DIR   |   slurm.sh down DIR   |   slurm.sh stop-controller DIR   |   slurm.sh start-controller DIR
# All that it writes lies in DIR, but for munge's key and links to its settings in /etc/slurm: steps of a job are started
# without SLURM_CONF. A munged that runs already is used and left running; a Slurm that is set up here is left alone.
set -euo pipefail
action=$1 dir=$2 here=$(hostname)
settings=/etc/slurm/slurm.conf

running() { [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }
wait_for() { for _ in $(seq 150); do "$@" >/dev/null 2>&1 && return; sleep 0.2; done; echo "no answer: $*" >&2; exit 1; }

end() {
  for file in "$@"; do
    running "$file" || continue
    pid=$(cat "$file"); kill "$pid"
    for _ in $(seq 50); do running "$file" || break; sleep 0.2; done
    ! running "$file" || kill -9 "$pid"
  done
}

stop-controller() { end "$dir/slurmctld.pid"; }

start-controller() { slurmctld; wait_for scontrol ping; }

down() {
  end "$dir"/{slurmd,slurmctld,munged}.pid
  for link in /etc/slurm/{slurm,cgroup}.conf; do
    [ "$(readlink "$link")" != "$dir/$(basename "$link")" ] || rm "$link"
  done
}

# Nobody's: not there, or left by a run of this script whose controller has ended.
free() { [ ! -e "$settings" ] || { [ -L "$settings" ] && ! running "$(dirname "$(readlink "$settings")")/slurmctld.pid"; }; }

up() {
  free || { echo "a Slurm is set up here: $settings" >&2; exit 1; }
  mkdir -p "$dir"/{state,spool}
  if ! munge -n >/dev/null 2>&1; then
    [ -s /etc/munge/munge.key ] || dd if=/dev/urandom of=/etc/munge/munge.key bs=1024 count=1 status=none
    install -d -o munge -g munge -m 711 /run/munge
    install -d -o munge -g munge -m 700 /var/log/munge /var/lib/munge
    chown munge:munge /etc/munge/munge.key; chmod 400 /etc/munge/munge.key
    su -s /bin/sh munge -c /usr/sbin/munged
    wait_for sh -c 'munge -n | unmunge'
    cp /run/munge/munged.pid "$dir/munged.pid"
  fi
  cat >"$dir/slurm.conf" <<CONF
ClusterName=one
SlurmctldHost=$here(127.0.0.1)
SlurmctldPort=16817
SlurmUser=root
AuthType=auth/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
KillWait=5
ReturnToService=2
AccountingStorageType=accounting_storage/none
NodeName=n1 NodeHostname=$here NodeAddr=127.0.0.1 Port=17001 CPUs=2 RealMemory=16000 State=UNKNOWN
PartitionName=first Nodes=ALL Default=YES State=UP
PartitionName=second Nodes=ALL State=UP
CONF
  # without cgroups; Slurm 22.05 of Debian 12 does not know CgroupPlugin=disabled
  if dpkg --compare-versions "$(dpkg-query -W -f '${Version}' slurmd)" ge 23.02; then
    echo CgroupPlugin=disabled >"$dir/cgroup.conf"
  else
    echo CgroupAutomount=no >"$dir/cgroup.conf"
  fi
  mkdir -p /etc/slurm
  ln -sf "$dir"/{slurm,cgroup}.conf /etc/slurm/
  start-controller
  slurmd -N n1
  wait_for sh -c '[ "$(sinfo -h -p first -t idle -o %n)" ]'
}

"$action"
