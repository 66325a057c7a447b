# Two stages: the second holds Python, the program and nothing to build with.
FROM python:3.13-slim AS build
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY monitor monitor
COPY probes probes
COPY templates templates
RUN python -m venv /app && /app/bin/pip install --no-cache-dir --disable-pip-version-check --constraint constraints.txt .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /data --create-home monitor
COPY --from=build /app /app
USER monitor
# monitor.toml, the database and the page live here: mount it.
WORKDIR /data
VOLUME /data
EXPOSE 8321
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=1m --timeout=10s --start-period=1m CMD ["provider-monitor", "status", "--alive"]
ENTRYPOINT ["provider-monitor"]
CMD ["run"]
