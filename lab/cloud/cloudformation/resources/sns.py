"""AWS::SNS: topics, subscriptions and topic policies."""

from __future__ import annotations

from typing import Any

from lab.cloud.cloudformation.errors import NameTaken
from lab.cloud.cloudformation.resources.base import Handle, Type, properties
from lab.cloud.cloudformation.resources.documents import as_text
from lab.cloud.cloudformation.resources.ec2_common import quietly

_FLAGS = ("FifoTopic", "ContentBasedDeduplication")


class Topic(Type):
    """A topic, with inline subscriptions."""

    name = "AWS::SNS::Topic"
    _plain = ("DisplayName", "KmsMasterKeyId", "SignatureVersion", "TracingConfig")
    handled = properties("TopicName Subscription Tags", " ".join(_plain), " ".join(_FLAGS))
    named_by = "TopicName"
    delay = "cloudformation.topic"

    def create(self, it: Handle) -> None:
        attributes = {name: str(it.properties[name]) for name in self._plain if name in it.properties}
        attributes |= {name: str(it.properties[name]).lower() for name in _FLAGS if name in it.properties}
        name = it.properties.get("TopicName") or it.name(256)
        tags = {"Tags": it.tag_list()} if it.all_tags() else {}
        arn = f"arn:aws:sns:{it.region}:{it.account}:{name}"
        if arn in _topics(it):
            raise NameTaken(self.name, arn)
        it.physical_id = it.client("sns").create_topic(Name=name, Attributes=attributes, **tags)["TopicArn"]
        it.attributes = {"TopicArn": it.physical_id, "TopicName": name}
        for subscription in it.properties.get("Subscription", []):
            self._subscribe(it, subscription)

    def update(self, it: Handle) -> None:
        client = it.client("sns")
        for name in self._plain:
            if it.changed(name):
                value = str(it.properties.get(name, ""))
                client.set_topic_attributes(TopicArn=it.physical_id, AttributeName=name, AttributeValue=value)
        old, new = it.previous.get("Subscription", []), it.properties.get("Subscription", [])
        for subscription in [s for s in new if s not in old]:
            self._subscribe(it, subscription)
        lost = [(s["Protocol"], s["Endpoint"]) for s in old if s not in new]
        for seen in client.list_subscriptions_by_topic(TopicArn=it.physical_id)["Subscriptions"] if lost else []:
            if (seen["Protocol"], seen["Endpoint"]) in lost:
                client.unsubscribe(SubscriptionArn=seen["SubscriptionArn"])
        put, drop = it.tag_changes()
        if drop:
            client.untag_resource(ResourceArn=it.physical_id, TagKeys=drop)
        if put:
            tags = [{"Key": key, "Value": value} for key, value in put.items()]
            client.tag_resource(ResourceArn=it.physical_id, Tags=tags)

    def delete(self, it: Handle) -> None:
        quietly(it.client("sns").delete_topic, TopicArn=it.physical_id)

    def actual(self, it: Handle) -> dict[str, Any] | None:
        if it.physical_id not in _topics(it):
            return None
        found = it.client("sns").get_topic_attributes(TopicArn=it.physical_id)["Attributes"]
        return {name: found[name] for name in self._plain if found.get(name)}

    def _subscribe(self, it: Handle, subscription: dict[str, str]) -> None:
        it.client("sns").subscribe(
            TopicArn=it.physical_id, Protocol=subscription["Protocol"], Endpoint=subscription["Endpoint"]
        )


class Subscription(Type):
    """A subscription to a topic."""

    name = "AWS::SNS::Subscription"
    _documents = ("FilterPolicy", "DeliveryPolicy", "RedrivePolicy")
    _plain = ("RawMessageDelivery", "FilterPolicyScope", "SubscriptionRoleArn")
    handled = properties("TopicArn Protocol Endpoint", " ".join(_documents), " ".join(_plain))
    taggable = False

    def create(self, it: Handle) -> None:
        answer = it.client("sns").subscribe(
            **it.given("TopicArn", "Protocol", "Endpoint"), Attributes=self._attributes(it), ReturnSubscriptionArn=True
        )
        it.physical_id = answer["SubscriptionArn"]
        it.attributes = {"Arn": it.physical_id}

    def update(self, it: Handle) -> None:
        for name, value in self._attributes(it).items():
            it.client("sns").set_subscription_attributes(
                SubscriptionArn=it.physical_id, AttributeName=name, AttributeValue=value
            )

    def delete(self, it: Handle) -> None:
        quietly(it.client("sns").unsubscribe, SubscriptionArn=it.physical_id)

    def _attributes(self, it: Handle) -> dict[str, str]:
        documents = {name: as_text(it.properties[name]) for name in self._documents if name in it.properties}
        return documents | {name: _text(it.properties[name]) for name in self._plain if name in it.properties}


class TopicPolicy(Type):
    """The policy of topics."""

    name = "AWS::SNS::TopicPolicy"
    handled = properties("Topics PolicyDocument")
    taggable = False

    def create(self, it: Handle) -> None:
        it.physical_id = it.name(128)
        it.attributes = {"Id": it.physical_id}
        self._put(it, it.properties["Topics"])

    def update(self, it: Handle) -> None:
        self._put(it, it.properties["Topics"])
        self._default(it, [topic for topic in it.previous.get("Topics", []) if topic not in it.properties["Topics"]])

    def delete(self, it: Handle) -> None:
        self._default(it, it.properties["Topics"])

    def _put(self, it: Handle, topics: list[str]) -> None:
        for topic in topics:
            it.client("sns").set_topic_attributes(
                TopicArn=topic, AttributeName="Policy", AttributeValue=as_text(it.properties["PolicyDocument"])
            )

    def _default(self, it: Handle, topics: list[str]) -> None:
        """What SNS gives a new topic: its owner may do everything."""
        for topic in topics:
            statement = {
                "Sid": "__default_statement_ID",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": ["SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:Subscribe", "SNS:Publish"],
                "Resource": topic,
                "Condition": {"StringEquals": {"AWS:SourceOwner": it.account}},
            }
            policy = as_text({"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]})
            quietly(
                it.client("sns").set_topic_attributes, TopicArn=topic, AttributeName="Policy", AttributeValue=policy
            )


def _topics(it: Handle) -> set[str]:
    """ARNs of all topics of the region."""
    topics = it.client("sns").get_paginator("list_topics").paginate().build_full_result()["Topics"]
    return {topic["TopicArn"] for topic in topics}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


TYPES = (Topic(), Subscription(), TopicPolicy())
