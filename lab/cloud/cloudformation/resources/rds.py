"""AWS::RDS::DBSubnetGroup."""

from __future__ import annotations

from lab.cloud.cloudformation.resources.base import Handle, Type, properties
from lab.cloud.cloudformation.resources.ec2_common import quietly


class DbSubnetGroup(Type):
    """A subnet group for database clusters."""

    name = "AWS::RDS::DBSubnetGroup"
    handled = properties("DBSubnetGroupName DBSubnetGroupDescription SubnetIds Tags")
    named_by = "DBSubnetGroupName"

    def create(self, it: Handle) -> None:
        name = it.properties.get("DBSubnetGroupName") or it.name(255, lower=True)
        group = it.client("rds").create_db_subnet_group(
            DBSubnetGroupName=name, **it.given("DBSubnetGroupDescription", "SubnetIds"), Tags=it.tag_list()
        )["DBSubnetGroup"]
        it.physical_id = group["DBSubnetGroupName"]

    def update(self, it: Handle) -> None:
        client = it.client("rds")
        if it.changed("DBSubnetGroupDescription", "SubnetIds"):
            client.modify_db_subnet_group(
                DBSubnetGroupName=it.physical_id, **it.given("DBSubnetGroupDescription", "SubnetIds")
            )
        arn = f"arn:aws:rds:{it.region}:{it.account}:subgrp:{it.physical_id}"
        put, drop = it.tag_changes()
        if drop:
            client.remove_tags_from_resource(ResourceName=arn, TagKeys=drop)
        if put:
            tags = [{"Key": key, "Value": value} for key, value in put.items()]
            client.add_tags_to_resource(ResourceName=arn, Tags=tags)

    def delete(self, it: Handle) -> None:
        quietly(it.client("rds").delete_db_subnet_group, DBSubnetGroupName=it.physical_id)


TYPES = (DbSubnetGroup(),)
