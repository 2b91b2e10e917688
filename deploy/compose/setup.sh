#!/bin/sh
# Prepares what docker-compose.yml runs on. Each command may be repeated: what is there stays.
#
#     compose-setup settings    keys, credentials and settings files, into the volumes of their readers
#     compose-setup database    the database and its roles, or the migrations that are missing
#     compose-setup register    the banks, and partner-app as their partner
#
# Under /state every directory is a volume of its own, so that a container sees only what is its own:
# database (PostgreSQL's password), operator (everything that only this script needs), consent, relay,
# account-api, partner-app.
set -eu
umask 077

state=${STATE_DIRECTORY:-/state}
banks=${BANKS_FILE:-/usr/share/renkei/banks.tsv}
# As browsers reach the services on the machine that runs them.
public_url=http://127.0.0.1:8080
account_api_url=http://127.0.0.1:8090
partner_url=http://localhost:8000

# Between the columns of the banks: code, name, name in English.
tab=$(printf '\t')

client_id=kantan-kaikei
company_name=サンプル会計株式会社
service_name=かんたん会計

# Writes what a command prints to a file at once: one that fails, or is cut short, leaves nothing.
write() {
    file=$1
    shift
    "$@" >"$file.partial"
    mv "$file.partial" "$file"
}

base64url() {
    base64 | tr '+/' '-_' | tr -d '=\n'
}

random_text() {
    head -c 32 /dev/urandom | base64url
}

keep_or_make() {
    if ! [ -s "$1" ]; then
        write "$1" random_text
    fi
}

# PostgreSQL runs as another user, with this one's group.
make_secrets() {
    keep_or_make "$state/database/password"
    chmod 0640 "$state/database/password"
    keep_or_make "$state/operator/decision-credential"
    keep_or_make "$state/operator/key-encryption-key"
    key=$state/partner-app/client-key.pem
    if ! [ -s "$key" ]; then
        write "$key" openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256
    fi
}

# The public half of partner-app's key as a JWK. A P-256 public key in DER ends with the two
# coordinates of its point, 32 bytes each (RFC 5480, 2.2).
public_jwk() {
    printf '{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"compose-1","x":"%s","y":"%s"}' \
        "$(tail -c 64 "$state/operator/client-key.der" | head -c 32 | base64url)" \
        "$(tail -c 32 "$state/operator/client-key.der" | base64url)"
}

account_api_settings() {
    cat <<END
listen = "0.0.0.0:8090"
operator_listen = "0.0.0.0:9090"
resource_identifier = "$account_api_url"
decision_url = "http://consent:9081"
decision_credential = "$(cat "$state/operator/decision-credential")"
bank_port_url = "http://sandbox-bank:50051"
END
    while read -r code _; do
        cat <<END

[[issuers]]
issuer = "$public_url/$code"
bank_code = "$code"
jwks_url = "http://consent:8080/$code/jwks"
END
    done <"$banks"
}

partner_app_settings() {
    cat <<END
listen = "0.0.0.0:8000"
public_url = "$partner_url"
company_name = "$company_name"
service_name = "$service_name"
client_id = "$client_id"
kid = "compose-1"
private_key_file = "client-key.pem"
account_api_url = "http://account-api:8090"
END
    while IFS=$tab read -r code name name_en; do
        cat <<END

[[banks]]
code = "$code"
name = "$name"
name_en = "$name_en"
issuer = "$public_url/$code"
END
    done <"$banks"
}

consent_settings() {
    cat <<END
public_url = "$public_url"
public_listen = "0.0.0.0:8080"
operator_listen = "0.0.0.0:9080"
decision_listen = "0.0.0.0:9081"
database_url = "$(provisioned service_url)"
bank_port_url = "http://sandbox-bank:50051"
decision_credential = "$(cat "$state/operator/decision-credential")"
key_encryption_key = "$(cat "$state/operator/key-encryption-key")"
resource_identifier = "$account_api_url"
# Everything is published on loopback only.
insecure_http = true
END
}

relay_settings() {
    cat <<END
public_url = "$public_url"
operator_listen = "0.0.0.0:9082"
database_url = "$(provisioned relay_url)"
key_encryption_key = "$(cat "$state/operator/key-encryption-key")"

[kafka]
bootstrap = "kafka:9092"

# One broker holds everything once.
[topics]
replication_factor = 1
min_insync_replicas = 1
END
}

bank_registration() {
    cat <<END
code = "$1"
name = "$2"
display_name = "$2（法人）"
display_name_en = "$3 (corporate)"
phone = "0120-000-000"
hours = "平日 9:00〜18:00"
hours_en = "Weekdays 9:00 to 18:00"
END
}

partner_registration() {
    cat <<END
{
  "partner_id": "sample-kaikei",
  "client_id": "$client_id",
  "legal_name": "$company_name",
  "service_name": "$service_name",
  "registration_number": "関東財務局長（電代）第9001号",
  "complaint_contact": "$company_name お客様相談窓口 0120-000-001",
  "onward_recipients": ["サンプル税理士法人"],
  "redirect_uris": ["$partner_url/callback"],
  "jwks": { "keys": [$(public_jwk)] },
  "banks": [$(while read -r code _; do printf '%s"%s"' "${comma-}" "$code"; comma=', '; done <"$banks")]
}
END
}

# The value of a key in what `consent provision` prints: one key a line.
provisioned() {
    sed -n "s/^ *\"$1\": \"\\(.*\\)\",\\{0,1\\}\$/\\1/p" "$state/operator/provisioned.json"
}

case "${1:-}" in
    settings)
        make_secrets
        write "$state/account-api/account-api.toml" account_api_settings
        write "$state/partner-app/partner-app.toml" partner_app_settings
        ;;
    database)
        # Provisioning gives the roles new passwords, so it is done once, and again where a release
        # brought a role; other starts only migrate.
        if [ -s "$state/operator/provisioned.json" ] && [ -n "$(provisioned relay_url)" ]; then
            RENKEI_OWNER_URL=$(provisioned owner_url)
            export RENKEI_OWNER_URL
            consent migrate
        else
            password=$(cat "$state/database/password")
            RENKEI_ADMIN_URL=${RENKEI_ADMIN_URL:-postgres://postgres:$password@postgres:5432/postgres}
            export RENKEI_ADMIN_URL
            write "$state/operator/provisioned.json" consent provision
        fi
        write "$state/consent/consent.toml" consent_settings
        write "$state/relay/relay.toml" relay_settings
        ;;
    register)
        while IFS=$tab read -r code name name_en; do
            write "$state/operator/bank.toml" bank_registration "$code" "$name" "$name_en"
            consent bank register --config "$state/consent/consent.toml" \
                --file "$state/operator/bank.toml" --operator compose
        done <"$banks"
        write "$state/operator/client-key.der" openssl pkey \
            -in "$state/partner-app/client-key.pem" -pubout -outform DER
        write "$state/operator/partner.json" partner_registration
        consent partner register --config "$state/consent/consent.toml" \
            --file "$state/operator/partner.json" --operator compose
        ;;
    *)
        echo 'usage: compose-setup settings | database | register' >&2
        exit 2
        ;;
esac
