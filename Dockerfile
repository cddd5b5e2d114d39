# syntax=docker/dockerfile:1
# The image of every Airflow component and of the set-up steps. It holds the interpreter and the locked requirements;
# dags/, plugins/ and include/ are mounted read-only, so code changes without a new image. It holds no secret.

FROM python:3.11.14-slim-bookworm AS requirements
RUN python -m venv /opt/venv
COPY requirements.txt /tmp/requirements.txt
# Wheels only: nothing of a package runs while it is installed, and no compiler is needed.
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: \
    --requirement /tmp/requirements.txt

FROM python:3.11.14-slim-bookworm
# A fixed number, because volumes remember it and docker-compose.yaml runs the object store under it too.
RUN groupadd --gid 10001 airflow \
 && useradd --uid 10001 --gid airflow --create-home --home-dir /opt/airflow --shell /usr/sbin/nologin airflow \
 && install --directory --owner airflow --group airflow --mode 0750 \
    /opt/airflow/logs /var/lib/lifecycle /var/lib/store /var/lib/store-identities
COPY --from=requirements /opt/venv /opt/venv
COPY --chmod=0555 tools/airflow-healthy /usr/local/bin/airflow-healthy
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/airflow/plugins \
    PYTHONUNBUFFERED=1 \
    AIRFLOW_HOME=/opt/airflow \
    LIFECYCLE_HOME=/var/lib/lifecycle \
    GX_ANALYTICS_ENABLED=false
WORKDIR /opt/airflow
USER airflow
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=10s --start-period=90s --retries=4 CMD ["airflow-healthy", "metadatabase"]
CMD ["airflow", "api-server"]
