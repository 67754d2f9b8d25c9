# Waymark in a container: built in one stage, run in another, by a user without rights, from a root that may be read-only.
#
# ROOT is empty in an image. The tests give it a folder and run the very same commands where there is no Docker engine.

FROM python:3.11-slim AS build
ARG ROOT=
WORKDIR ${ROOT}/srv/waymark
COPY requirements-tools.lock requirements.lock pyproject.toml README.md ./
RUN python3 -m venv ${ROOT}/opt/tools
RUN ${ROOT}/opt/tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-tools.lock
RUN python3 -m venv --without-pip ${ROOT}/opt/waymark
RUN ${ROOT}/opt/tools/bin/uv pip install --quiet --python ${ROOT}/opt/waymark/bin/python --require-hashes -r requirements.lock
COPY app ./app
COPY credential_schemas ./credential_schemas
COPY migrations ./migrations
COPY programme ./programme
RUN ${ROOT}/opt/tools/bin/uv pip install --quiet --python ${ROOT}/opt/waymark/bin/python --no-deps --no-build-isolation -e .

FROM python:3.11-slim AS run
ARG ROOT=
RUN useradd --system --uid 10001 --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin waymark && install -d -o waymark /data
COPY --from=build ${ROOT}/opt/waymark ${ROOT}/opt/waymark
COPY --from=build ${ROOT}/srv/waymark ${ROOT}/srv/waymark
WORKDIR ${ROOT}/srv/waymark
ENV PATH=${ROOT}/opt/waymark/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    WAYMARK_ENV=production \
    WAYMARK_DATA_DIR=/data
VOLUME /data
EXPOSE 8000
USER 10001
HEALTHCHECK --interval=15s --timeout=4s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import sys, urllib.request as r; sys.exit(r.urlopen('http://127.0.0.1:8000/healthz', timeout=3).status != 200)"]
CMD ["waymark", "serve", "--host", "0.0.0.0", "--port", "8000"]
