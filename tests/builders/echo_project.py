"""A project of one function that answers with what it was given."""

from __future__ import annotations

from pathlib import Path

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  SupabaseUrl: {Type: String}
  SupabaseProjectRef: {Type: String, Default: ""}
  Mirrored: {Type: String, Default: "true"}
Conditions:
  HasMirror: !Equals [!Ref Mirrored, "true"]
Globals:
  Function:
    Handler: app.lambda_handler
    Runtime: python3.13
    Timeout: 3
    Environment:
      Variables:
        SUPABASE_URL: !Ref SupabaseUrl
        SUPABASE_PROJECT_REF: !Ref SupabaseProjectRef
        SECRET_ID: !Ref Keys
        RUNS_TABLE: !Ref Runs
        MIRROR_S3_BUCKET: !If [HasMirror, !Ref Mirror, ""]
        OTHER: !Sub "${AWS::StackName}-other"
Resources:
  EchoFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: echo/
      FunctionName: !Sub "${AWS::StackName}-echo"
      MemorySize: 256
      EventInvokeConfig:
        MaximumRetryAttempts: 1
        DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt GivenUp.Arn}}
      Events:
        Nightly:
          Type: ScheduleV2
          Properties:
            Name: nightly
            ScheduleExpression: cron(0 3 * * ? *)
            ScheduleExpressionTimezone: UTC
            Input: '{"scheduled_at":"<aws.scheduler.scheduled-time>","execution_id":"<aws.scheduler.execution-id>"}'
        Any: {Type: HttpApi, Properties: {Path: /api/things, Method: ANY}}
        One: {Type: HttpApi, Properties: {Path: "/api/things/{name}", Method: GET}}
        Fixed: {Type: HttpApi, Properties: {Path: /api/things/newest, Method: GET}}
  GivenUp: {Type: AWS::SQS::Queue, Properties: {}}
  Keys: {Type: AWS::SecretsManager::Secret, Properties: {}}
  Mirror:
    Type: AWS::S3::Bucket
    Condition: HasMirror
    Properties: {VersioningConfiguration: {Status: Enabled}}
  Runs:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      TimeToLiveSpecification: {AttributeName: expires_at, Enabled: true}
"""

ECHO = """
import os, sys, time
from pathlib import Path

def lambda_handler(event, context):
    if "version" in event:
        return {"statusCode": 200, "headers": {"x-echo": "yes"}, "cookies": ["a=1", "b=2"], "body": event_text(event)}
    do = event.get("do")
    if do == "sleep":
        time.sleep(event["seconds"])
    if do == "raise":
        with Path(event["tally"]).open("a") as tally:
            tally.write("x")
        raise ValueError("no luck")
    if do == "exit":
        os._exit(3)
    if do == "import":
        return importable(event["name"])
    if do == "write":
        Path(event["file"]).write_text("done")
    return {
        "event": event,
        "environment": dict(os.environ),
        "executable": sys.executable,
        "arn": context.invoked_function_arn,
        "remaining": context.get_remaining_time_in_millis(),
        "request_id": context.aws_request_id,
    }

def importable(name):
    import importlib.util
    return importlib.util.find_spec(name) is not None

def event_text(event):
    import json
    if event["rawQueryString"] == "slow":
        time.sleep(2)
    return json.dumps(event)
"""


def make_project(folder: Path) -> Path:
    """A template with one function that tells what it was given."""
    (folder / "echo").mkdir(parents=True)
    (folder / "echo/app.py").write_text(ECHO)
    template = folder / "template.yaml"
    template.write_text(TEMPLATE)
    return template
