# docker build -t emofuse .      The service alone: the core and the extra `serve`, no PyTorch.
FROM python:3.11-slim AS build
WORKDIR /source
RUN python -m venv /opt/emofuse
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /opt/emofuse/bin/pip install --no-cache-dir '.[serve]'

FROM python:3.11-slim
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin emofuse \
    && install --directory --owner=emofuse --group=emofuse --mode=0700 /data
COPY --from=build /opt/emofuse /opt/emofuse
ENV PATH=/opt/emofuse/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    EMOFUSE_HOST=0.0.0.0 \
    EMOFUSE_PORT=8000 \
    EMOFUSE_DATABASE_URL=sqlite:////data/service.sqlite
# Numeric, so that Kubernetes can see that it is not root.
USER 10001:10001
WORKDIR /data
# The only place that is written; the rest may be mounted read-only.
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['EMOFUSE_PORT'] + '/healthz', timeout=2)"]
ENTRYPOINT ["emofuse"]
CMD ["serve"]
