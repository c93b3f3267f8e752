"""Every delay of the lab in one table, in seconds: `fast` for tests and demonstrations, `realistic` as AWS publishes.

Where AWS publishes nothing, the source says so and names whose observation it is ("observed": not a promise).
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.settings import Profile


@dataclass(frozen=True)
class Delay:
    """One delay in seconds, in both profiles, and where the realistic figure comes from."""

    fast: float
    realistic: float
    source: str


DELAYS: dict[str, Delay] = {
    # Aurora
    "rds.cluster.create": Delay(0.5, 120.0, "observed: a new Aurora cluster is available after some minutes"),
    "rds.instance.create": Delay(0.7, 420.0, "observed: a new Aurora instance is available after 5 to 10 minutes"),
    "rds.cluster.delete": Delay(0.4, 120.0, "observed"),
    "rds.instance.delete": Delay(0.3, 240.0, "observed"),
    "rds.global.detach": Delay(0.4, 60.0, "observed; detaching is asynchronous"),
    "rds.switchover.pending": Delay(0.3, 5.0, "R14: FailoverState.Status is pending first; no figure is published"),
    "rds.switchover": Delay(1.5, 30.0, "R11, Aurora user guide: 2025 engines typically under 30 s"),
    "rds.failover.pending": Delay(0.3, 5.0, "R14: FailoverState.Status is pending first; no figure is published"),
    "rds.failover": Delay(2.0, 180.0, "Aurora user guide: RTO 'in the order of minutes'; a public run: 3 to 8 min"),
    "rds.failover.fencing": Delay(0.5, 20.0, "R7: event 0390 comes once the operation is under way; no figure"),
    "rds.switchover.refused": Delay(0.0, 0.0, "checks are synchronous"),
    "rds.rejoin": Delay(4.0, 1800.0, "R9: minutes to hours after the old region is back"),
    "rds.snapshot": Delay(1.0, 300.0, "observed: a snapshot of a cluster, or its copy in the Region, takes minutes"),
    "rds.lag": Delay(0.05, 0.5, "Aurora user guide: replication typically under 1 s"),
    # EC2 Auto Scaling and load balancing
    "autoscaling.launch": Delay(1.5, 90.0, "observed: a Linux instance with user data is in service after 60 to 120 s"),
    "autoscaling.terminate": Delay(0.8, 60.0, "observed, without a termination hook"),
    "elbv2.target.healthy": Delay(0.5, 30.0, "ELB user guide: interval x threshold of a target group, 10 s x 3"),
    # Route 53 and CloudWatch
    "route53.change": Delay(0.2, 30.0, "Route 53 developer guide: changes generally propagate within 60 seconds"),
    "route53.check.scale": Delay(0.05, 1.0, "R18: interval x threshold; factor on RequestInterval (30 or 10 s)"),
    "route53.metric": Delay(0.3, 10.0, "R17: a health check follows the metric's data stream; no figure is published"),
    "cloudwatch.sample": Delay(1.0, 60.0, "Aurora user guide: metrics are published each minute"),
    "cloudwatch.minute": Delay(1.0, 60.0, "what a minute of an alarm's period lasts"),
    "cloudwatch.alarm": Delay(0.2, 20.0, "CloudWatch user guide: evaluated each minute, so within 60 s"),
    # Storage, secrets, scheduling
    "s3.replicate": Delay(0.3, 20.0, "S3 user guide: most objects within seconds, 99.99 % within 15 minutes (RTC)"),
    "secretsmanager.replicate": Delay(0.2, 5.0, "observed; replication status InProgress first"),
    "lambda.retry": Delay(2.0, 60.0, "Lambda developer guide: one minute before the first retry, then two"),
    "scheduler.minute": Delay(15.0, 60.0, "what a schedule's minute lasts; EventBridge Scheduler has 60 s precision"),
    # CloudFormation: what it takes over a resource's own time; no figure is published
    "cloudformation.resource": Delay(0.0, 3.0, "observed: most resources take a few seconds to stabilise"),
    "cloudformation.resource.update": Delay(0.0, 3.0, "observed"),
    "cloudformation.resource.delete": Delay(0.0, 2.0, "observed"),
    "cloudformation.nat_gateway": Delay(0.0, 100.0, "observed: a NAT gateway is available after 1 to 2 minutes"),
    "cloudformation.nat_gateway.delete": Delay(0.0, 50.0, "observed: a NAT gateway is deleted after about a minute"),
    "cloudformation.load_balancer": Delay(0.0, 150.0, "observed: a load balancer is active after 2 to 3 minutes"),
    "cloudformation.vpc_endpoint": Delay(0.0, 60.0, "observed: an interface endpoint is available within a minute"),
    "cloudformation.topic": Delay(0.0, 10.0, "observed"),
    "cloudformation.role": Delay(0.0, 16.0, "observed: CloudFormation waits for IAM's propagation"),
}


def delay(name: str, profile: Profile) -> float:
    """Seconds of the delay of that name."""
    entry = DELAYS[name]
    return entry.fast if profile == "fast" else entry.realistic
