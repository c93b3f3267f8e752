#!/bin/bash
# The guide's own way to move one application, as AWS CLI calls: scale, fail over, look. The guide stops its clock when the
# calls have returned; here it goes on until the application is served from the other region, as for the others, with the
# CLI's own waiters where there are any and a look every 5 s where there are none. The AWS CLI that PyPI has (version 1) does not read
# endpoint_url from its configuration, so here it is told where the lab is.
set -euo pipefail
: "${APPLICATION:?}" "${GLOBAL_CLUSTER:?}" "${TARGET_ARN:?}" "${WRITER_REGION:?}" "${WRITER_PROFILE:?}" "${TARGET_REGION:?}" "${TARGET_PROFILE:?}"
: "${GROUP:?}" "${DESIRED:?}" "${ZONE:?}" "${CHANGES:?}" "${HEALTH_URL:?}" "${CA_FILE:?}"
: "${WRITER_ENDPOINT:?}" "${TARGET_ENDPOINT:?}" "${GLOBAL_ENDPOINT:?}"
WRITER=(--region "$WRITER_REGION" --profile "$WRITER_PROFILE" --endpoint-url "$WRITER_ENDPOINT")
TARGET=(--region "$TARGET_REGION" --profile "$TARGET_PROFILE" --endpoint-url "$TARGET_ENDPOINT")
GLOBAL=(--region us-east-1 --profile primary --endpoint-url "$GLOBAL_ENDPOINT")

# Step 1: scale up
aws autoscaling update-auto-scaling-group --auto-scaling-group-name "$GROUP" --min-size "$DESIRED" --desired-capacity "$DESIRED" \
  "${TARGET[@]}"
until [ "$(aws autoscaling describe-auto-scaling-groups --auto-scaling-group-names "$GROUP" "${TARGET[@]}" \
  --query "length(AutoScalingGroups[0].Instances[?LifecycleState=='InService'])" --output text)" -ge "$DESIRED" ]; do sleep 5; done

# Step 2: move the writer
aws rds failover-global-cluster --global-cluster-identifier "$GLOBAL_CLUSTER" --target-db-cluster-identifier "$TARGET_ARN" \
  "${WRITER[@]}" >/dev/null
until [ "$(aws rds describe-global-clusters --global-cluster-identifier "$GLOBAL_CLUSTER" "${TARGET[@]}" \
  --query "GlobalClusters[0].GlobalClusterMembers[?IsWriter].DBClusterArn | [0]" --output text)" = "$TARGET_ARN" ]; do sleep 5; done

# Step 3: send clients there
change=$(aws route53 change-resource-record-sets --hosted-zone-id "$ZONE" --change-batch "$CHANGES" "${GLOBAL[@]}" --query ChangeInfo.Id --output text)
aws route53 wait resource-record-sets-changed --id "$change" "${GLOBAL[@]}"

# Step 4: look
until curl --silent --fail --cacert "$CA_FILE" "$HEALTH_URL" >/dev/null; do sleep 5; done
echo "$APPLICATION is served from $TARGET_REGION"
