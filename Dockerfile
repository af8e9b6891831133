# The product for production: gunicorn behind a TLS proxy, PostgreSQL elsewhere. See compose.yaml.

# The Python that CI runs the tests with: .ci/run reads it here.
FROM python:3.11-slim AS build
COPY requirements/installer.lock requirements/production.lock /build/
RUN pip install --no-cache-dir --root-user-action ignore --require-hashes --requirement /build/installer.lock \
    && python -m venv --without-pip /opt/venv \
    && uv pip install --no-cache --python /opt/venv/bin/python --require-hashes --compile-bytecode \
        --requirement /build/production.lock
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /srv/observatory
COPY . .
# The settings want both; collecting static files uses neither.
RUN DATABASE_URL=postgresql:///none SECRET_KEY=none python manage.py collectstatic --no-input \
    && python -m compileall -q .

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /srv/observatory --shell /usr/sbin/nologin observatory
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv/observatory /srv/observatory
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=observability.settings \
    HOST=0.0.0.0 \
    PORT=8000
WORKDIR /srv/observatory
USER 10001
EXPOSE 8000
# Whether this process answers; whether it can do its work is /health/ready, which a load balancer asks.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/health/live\", timeout=2)"]
CMD ["gunicorn", "--config", "python:server.gunicorn", "server.asgi:application"]
