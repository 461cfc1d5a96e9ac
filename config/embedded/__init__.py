"""Real PostgreSQL and Redis from wheels, and the programs behind `bin/dev`, `bin/test` and `bin/manage`.

Only the standard library is used here: this code runs before anything is installed, and `__main__.py`
loads the package as `embedded`, so that Django and Celery are not imported on the way.

    launch.sh      finds a Python that is new enough
    problems       what can be wrong with the machine, in words, with the fix
    places         where data, sockets, logs and locks live, and who may run the services
    venv           makes `.venv` and installs the requirements
    processes      children that die with their parent, on Linux and on macOS
    postgres redis the two services
    keeper         the process that holds both services for as long as anyone uses them
    development testing management   the three commands
    prepare        migrates and loads the demo (the only module that imports Django)
"""
