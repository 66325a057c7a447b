# Two stages: the second holds Python, the program and nothing to build with.
FROM python:3.14-slim AS build
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY monitor monitor
COPY probes probes
COPY templates templates
RUN python -m venv /app && /app/bin/pip install --no-cache-dir --disable-pip-version-check --constraint constraints.txt .

FROM python:3.14-slim
# monitor.toml is looked for in /etc/provider-monitor; what is written lies below /var/lib/provider-monitor. All of it is
# made here, since a volume that is mounted there first takes over who owns it.
RUN groupadd --gid 10001 monitor \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/provider-monitor monitor \
 && install -d -m 0755 /etc/provider-monitor \
 && data=/var/lib/provider-monitor \
 && install -d -o 10001 -g 10001 -m 0755 $data $data/public $data/metrics \
 && install -d -o 10001 -g 10001 -m 0750 $data/site \
 && install -d -o 10001 -g 10001 -m 0700 $data/state
COPY --from=build /app /app
# By number: Kubernetes sees that it is not root.
USER 10001:10001
WORKDIR /etc/provider-monitor
VOLUME /var/lib/provider-monitor
EXPOSE 8321
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=1m --timeout=10s --start-period=1m CMD ["provider-monitor", "status", "--alive"]
ENTRYPOINT ["provider-monitor"]
# Loopback would be the container's own. Who may come in is said by what publishes the port; [site] host goes before.
CMD ["run", "--host", "0.0.0.0"]
