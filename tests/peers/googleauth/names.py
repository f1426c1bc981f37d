"""The people, projects and constants of the world that this peer plays."""
PROJECT, PROJECT_NUMBER, ZONE = "emu-project", "123456", "us-east1-b"
ACCOUNT = f"emu@{PROJECT}.iam.gserviceaccount.com"       # has a key
TARGET = f"tgt@{PROJECT}.iam.gserviceaccount.com"        # is impersonated
DELEGATE = f"mid@{PROJECT}.iam.gserviceaccount.com"      # stands between the two, if asked for
PERSON = "dev@example.com"                               # has logged in
WORKER = "principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/ann"

KEY_ID = "kid0001"
CLIENT_ID, CLIENT_SECRET = "cid.apps.googleusercontent.com", "csec-of-the-test"
# gcloud shows itself to STS whatever the file says; its secret is not our business.
GCLOUD_CLIENT_ID = "32555940559.apps.googleusercontent.com"
REFRESH_TOKEN, WORKFORCE_REFRESH_TOKEN = "1//refresh-of-the-test", "1//workforce-of-the-test"

AUDIENCE = (f"//iam.googleapis.com/projects/{PROJECT_NUMBER}/locations/global/"
            "workloadIdentityPools/pool/providers/prov")
WORKFORCE_AUDIENCE = "//iam.googleapis.com/locations/global/workforcePools/staff/providers/prov"
OIDC_AUDIENCE = "https:" + AUDIENCE                      # what the pool's provider expects as `aud`
OIDC_BEARER = "bearer-of-the-pipeline"

TOKEN_AUDIENCE = "https://oauth2.googleapis.com/token"
SCOPE = "https://www.googleapis.com/auth/"
CLOUD_PLATFORM, EMAIL, IAM = SCOPE + "cloud-platform", SCOPE + "userinfo.email", SCOPE + "iam"

TYPE = "urn:ietf:params:oauth:token-type:"
JWT_TYPE, ID_TOKEN_TYPE = TYPE + "jwt", TYPE + "id_token"
ACCESS_TOKEN_TYPE = TYPE + "access_token"
AWS_TYPE = "urn:ietf:params:aws:token-type:aws4_request"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"

# Artifact Registry looks at the user name too (docker-credential-gcr issue 129).
REGISTRY_USERS = ("oauth2accesstoken", "_token", "_dcgcloud_token")
REGISTRY_SCOPES = {CLOUD_PLATFORM, SCOPE + "devstorage.read_write",
                   SCOPE + "devstorage.full_control"}


def is_scope(text):
    return isinstance(text, str) and (text.startswith(SCOPE)
                                      or text in ("openid", "email", "profile"))
